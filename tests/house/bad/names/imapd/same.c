/* SPDX-License-Identifier: ISC */
/* One of two. */
