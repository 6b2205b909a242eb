// Text of the labels on a map.

// As much of a text as fits a width, with an ellipsis where it is cut; the font of ctx must be set.
export function fitText(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let low = 1,
    high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ctx.measureText(`${text.slice(0, middle).trimEnd()}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low).trimEnd()}…`;
}
