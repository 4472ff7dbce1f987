// SPDX-License-Identifier: Apache-2.0
/* The pictures and tables that spoor knows. A new one is one file and one line here. */
#include "view/view.h"

const struct view *const views[] = {
	&flame_view,
	NULL,
};
