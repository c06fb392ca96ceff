/* Status codes. Every fallible ito function returns an ito_status; results come back through its last arguments.
 * The sentence that says what went wrong, where, and what to do is in the context: ito_last_error(). */
#ifndef ITO_STATUS_H
#define ITO_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* One list makes the enum, the names and the texts. */
#define ITO_STATUS_MAP(X)                                                                                              \
    X(OK, "ok")                                                                                                        \
    X(USAGE, "an argument or option is wrong")                                                                         \
    X(SHAPE, "shapes do not agree")                                                                                    \
    X(DTYPE, "data types do not agree")                                                                                \
    X(MEMORY, "out of memory")                                                                                         \
    X(IO, "a file could not be read or written")                                                                       \
    X(FORMAT, "a file is malformed")                                                                                   \
    X(NOT_FOUND, "no such thing")                                                                                      \
    X(UNSUPPORTED, "not supported")                                                                                    \
    X(NOT_DIFFERENTIABLE, "the operation has no gradient")                                                             \
    X(NUMERIC, "a value is not finite")                                                                                \
    X(STATE, "the call does not fit the object's state")                                                               \
    X(CANCELLED, "cancelled by the caller")

typedef enum ito_status {
#define ITO_X(name, text) ITO_##name,
    ITO_STATUS_MAP(ITO_X)
#undef ITO_X
        ITO_STATUS_COUNT
} ito_status;

/* "SHAPE" and "shapes do not agree"; "?" for a number that is no status. */
const char *ito_status_name(ito_status status);
const char *ito_status_text(ito_status status);

#ifdef __cplusplus
}
#endif
#endif
