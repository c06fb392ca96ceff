/* A learned table. Fresh rows are standard normal, as PyTorch draws them. */
#include "nn/layers.h"

ito_value *ito__embedding(const ito_scope *outer, const char *name, ito_value *index, int64_t rows, int64_t width)
{
    ito_scope s = ito__scope(outer, "%s", name);
    ito_value *table = ito__param(&s, "weight", ITO_SHAPE(rows, width), ITO_INIT_NORMAL, 1, true);
    ito_value *y = ito_op_gather(s.g, table, index);
    ito__scope_end(&s);
    return y;
}
