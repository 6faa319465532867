# SPDX-License-Identifier: ISC

# RESTANTE_FLAGS(VARIABLE, FLAGS)
# Append to VARIABLE those of FLAGS that the compiler takes together with
# CFLAGS. One run tries them all; only if that fails, each alone.
AC_DEFUN([RESTANTE_FLAGS], [
  restante_saved_CFLAGS=$CFLAGS
  CFLAGS="$restante_saved_CFLAGS -Werror m4_normalize([$2])"
  AC_MSG_CHECKING([flags for $1])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([#include <stdlib.h>], [])],
    [$1="$$1 m4_normalize([$2])"
    AC_MSG_RESULT([all])],
    [restante_left_out=
    for restante_flag in m4_normalize([$2]); do
      CFLAGS="$restante_saved_CFLAGS -Werror $restante_flag"
      AC_LINK_IFELSE([AC_LANG_PROGRAM([#include <stdlib.h>], [])],
        [$1="$$1 $restante_flag"],
        [restante_left_out="$restante_left_out $restante_flag"])
    done
    AC_MSG_RESULT([all but$restante_left_out])])
  CFLAGS=$restante_saved_CFLAGS
])

# RESTANTE_LIB(PREFIX, LIBRARY, FUNCTION, HEADER, DEBIAN PACKAGE)
# PREFIX_LIBS is set when both the header and the library are there; else the
# package is remembered, so that all that is missing is told at once.
AC_DEFUN([RESTANTE_LIB], [
  AC_MSG_CHECKING([for $3 of $4 in -l$2])
  restante_saved_LIBS=$LIBS
  LIBS="-l$2 $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([#include <stdio.h>
#include <sys/types.h>
#include <$4>], [return (void *)$3 == NULL;])],
    [$1_LIBS="-l$2"
    AC_MSG_RESULT([yes])],
    [$1_LIBS=
    AC_MSG_RESULT([no])
    missing="$missing $5"])
  LIBS=$restante_saved_LIBS
  AC_SUBST([$1_LIBS])
])

# RESTANTE_PKG(PREFIX, MODULE, DEBIAN PACKAGE)
AC_DEFUN([RESTANTE_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [], [missing="$missing $3"])
])
