/* The table of axes: the one place that knows them all. It needs no axis's header, only their common descriptor. */
#include <ito/registry.h>

#include <string.h>

#define ITO_AXIS(name) extern const ito_axis ito__axis_##name;
#include "axis/axis_list.h"
#undef ITO_AXIS

static const ito_axis *const axes[] = {
#define ITO_AXIS(name) &ito__axis_##name,
#include "axis/axis_list.h"
#undef ITO_AXIS
    NULL,
};

const ito_axis *ito_axis_get(int index)
{
    int n = (int)(sizeof axes / sizeof axes[0]) - 1;
    return index < 0 || index > n ? NULL : axes[index];
}

const ito_axis *ito_axis_find(const char *name)
{
    for (int i = 0; axes[i]; i++)
        if (!strcmp(axes[i]->name, name)) return axes[i];
    return NULL;
}
