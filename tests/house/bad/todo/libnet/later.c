/* SPDX-License-Identifier: ISC */
/* TODO: one day */
