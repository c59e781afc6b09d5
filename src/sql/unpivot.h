/* sql/unpivot.h -- bits in `number` of an UNPIVOT node; the DataFrame method uses only the first. */
#ifndef VONK_SQL_UNPIVOT_H
#define VONK_SQL_UNPIVOT_H

enum {
    VONK_UNPIVOT_VALUES_GIVEN = 1,  /* l1 holds the values; else: all columns that are no ids */
    VONK_UNPIVOT_IDS_OPEN = 2,      /* the ids are all columns that are no values */
    VONK_UNPIVOT_EXCLUDE_NULLS = 4
};

#endif
