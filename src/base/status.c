/* Names and texts of the status codes, from the one list in ito/status.h. */
#include <ito/status.h>

const char *ito_status_name(ito_status status)
{
    static const char *const names[] = {
#define ITO_X(name, text) #name,
        ITO_STATUS_MAP(ITO_X)
#undef ITO_X
    };
    return (unsigned)status < ITO_STATUS_COUNT ? names[status] : "?";
}

const char *ito_status_text(ito_status status)
{
    static const char *const texts[] = {
#define ITO_X(name, text) text,
        ITO_STATUS_MAP(ITO_X)
#undef ITO_X
    };
    return (unsigned)status < ITO_STATUS_COUNT ? texts[status] : "?";
}
