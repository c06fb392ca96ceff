/* Finding operations: the families of op_list.h. */
#include <string.h>

#include "graph/graph_impl.h"

#define ITO_OP_FAMILY(name) extern const ito_op_family ito__ops_##name;
#include "graph/op/op_list.h"
#undef ITO_OP_FAMILY

static const ito_op_family *const families[] = {
#define ITO_OP_FAMILY(name) &ito__ops_##name,
#include "graph/op/op_list.h"
#undef ITO_OP_FAMILY
};

int ito__op_families(const ito_op_family *const **out)
{
    *out = families;
    return ITO_COUNT(families);
}

const ito_op_def *ito__op_find(const char *name)
{
    for (int f = 0; f < ITO_COUNT(families); f++)
        for (int i = 0; i < families[f]->n_ops; i++)
            if (!strcmp(families[f]->ops[i]->name, name)) return families[f]->ops[i];
    return NULL;
}
