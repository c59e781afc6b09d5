/* column/block_int.h -- inside the folder: numbers of the block format (docs/format/block.md). */
#ifndef VONK_COLUMN_BLOCK_INT_H
#define VONK_COLUMN_BLOCK_INT_H

#define VONK__BLOCK_MAGIC    "VBK1"
#define VONK__BLOCK_ENCODING 0x0f
#define VONK__BLOCK_VALIDITY 0x10

#endif
