/* base/version.h -- the Spark whose behaviour is promised, wherever programs, files or people are told. */
#ifndef VONK_BASE_VERSION_H
#define VONK_BASE_VERSION_H

#define VONK_SPARK_VERSION "4.3.0"

#endif
