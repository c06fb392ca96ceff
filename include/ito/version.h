/* What this library is, was built with, and runs on. All texts are constants. */
#ifndef ITO_VERSION_H
#define ITO_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

const char *ito_version(void);         /* "0.1.0" */
const char *ito_compiler(void);        /* "gcc 12.2.0" */
const char *ito_instruction_set(void); /* of the kernels chosen on this machine: "generic", "avx2", "avx512", "neon" */

typedef struct ito_library {
    const char *name, *version;
} ito_library;
ito_library ito_library_get(int index); /* what it is linked to; name NULL past the end */

#ifdef __cplusplus
}
#endif
#endif
