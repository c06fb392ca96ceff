/* Version, compiler, instruction set and libraries. ITO_VERSION comes from CMakeLists.txt. */
#include <ito/version.h>

#include <stdio.h> /* jpeglib.h needs it */

#include <jansson.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "base/base.h"
#include "kernel/kernel.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

#ifdef LIBJPEG_TURBO_VERSION
#define JPEG_VERSION "turbo " TEXT(LIBJPEG_TURBO_VERSION)
#else
#define JPEG_VERSION TEXT(JPEG_LIB_VERSION)
#endif

const char *ito_version(void)
{
    return ITO_VERSION;
}

const char *ito_compiler(void)
{
#ifdef __clang__
    return __VERSION__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *ito_instruction_set(void)
{
    return ito__backend_cpu.variant();
}

ito_library ito_library_get(int index)
{
    const ito_library all[] = {
        {"openmp", TEXT(_OPENMP)}, {"png", png_get_libpng_ver(NULL)},  {"jpeg", JPEG_VERSION},
        {"zlib", zlibVersion()},   {"jansson", jansson_version_str()},
    };
    return index >= 0 && index < ITO_COUNT(all) ? all[index] : (ito_library){0};
}
