/* accel/object.h -- vonk_accel, the Python module of this folder, as bytes that a server carries within itself. */
#ifndef VONK_ACCEL_OBJECT_H
#define VONK_ACCEL_OBJECT_H

#include "base/str.h"

/* A shared object for CPython 3.10 and newer. */
vonk_str vonk_accel_object(void);

#endif
