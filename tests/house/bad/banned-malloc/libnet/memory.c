/* SPDX-License-Identifier: ISC */
/* Memory from elsewhere than libbase. */
static char *
room(void)
{
	return malloc(10);
}
