// The form of what the network measures.

/** Side of the square cells in which it measures, in pixels. */
export const CELL = 16;
/** What it measures in each cell: length, cosine, sine, radius, confidence, weight. */
export const PLANES = 6;
