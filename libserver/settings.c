/* SPDX-License-Identifier: ISC */
/* The common settings as a table. */
#include "libserver/settings.h"

const struct setting settings_common[] = {
	SETTINGS_COMMON(SETTING_ROW){ .name = NULL },
};
