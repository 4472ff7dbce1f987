/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka with its prerequisites. */
#ifndef SPOOR_TEST_H
#define SPOOR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

#endif
