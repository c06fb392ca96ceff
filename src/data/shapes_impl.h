/* What the generator and the reader of shapes share. Internal to data/. */
#ifndef ITO_DATA_SHAPES_IMPL_H
#define ITO_DATA_SHAPES_IMPL_H

#include <ito/shapes.h>

/* Radii: small is below, large is above. The generator keeps well clear of it. */
#define ITO_SHAPES_LARGE 0.23

/* Signed distance of (x, y) from the outline of a figure about the origin, negative inside; near enough to exact for
 * anti-aliasing. */
double ito__shapes_distance(int shape, double radius, double x, double y);

/* Area of a figure of radius 1, and how far its centroid lies below its centre. */
double ito__shapes_area(int shape);
double ito__shapes_centroid(int shape);

#endif
