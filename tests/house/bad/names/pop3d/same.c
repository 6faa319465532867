/* SPDX-License-Identifier: ISC */
/* The other. */
