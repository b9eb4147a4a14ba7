// Pictures -> what the network was trained on. A port of images.py and digits.py of mtnet_tf/data,
// and of what they take from Pillow, function by function and number by number; tests compare them.
//
// A plane is {height, width, values}, values a Float64Array, row by row.

const MIN_CONTRAST = 0.1; // between ink and paper, of 1
const MIN_STROKE_WIDTH = 2.2; // of MNIST, in its pixels
const WORKING_SIZE = 512;
const MIN_WORKING_SIZE = 128;

export class PictureError extends Error {}

const blank = () =>
  new PictureError(
    "No digit was found: the picture is blank or nearly so. Write it darker, or light the paper better.",
  );

export const plane = (height, width) => ({
  height,
  width,
  values: new Float64Array(height * width),
});

// The size at which a digit is looked for, [height, width].
export function workingSize(height, width) {
  const longer = Math.max(height, width);
  const scale = Math.min(Math.max(longer, MIN_WORKING_SIZE), WORKING_SIZE) / longer;
  return [height, width].map((side) => Math.max(1, roundHalfEven(side * scale)));
}

// Whether a picture shows dark ink on a light ground.
export function hasDarkInk(grey) {
  const size = Math.floor(Math.max(grey.height, grey.width) / 2);
  const mean = alongBoth(grey, (line) => meanFilter(line, size));
  const difference = Float64Array.from(grey.values, (value, k) => value - mean.values[k]).sort();
  const [darkest, brightest] = [0.05, 99.95].map((q) => percentile(difference, q));
  if (Math.max(-darkest, brightest) < MIN_CONTRAST / 2) throw blank();
  return -darkest > brightest;
}

// Light ink on a dark ground -> the digit as MNIST has it, a plane of [height, width] in [0, 1].
export function extractDigit(picture, height, width, digitSize) {
  const size = Math.max(3, Math.floor(Math.min(picture.height, picture.width) / 3));
  const ground = alongBoth(
    alongBoth(picture, (line) => extremeFilter(line, size, -Math.floor(size / 2), Math.min)),
    (line) => extremeFilter(line, size, -Math.floor((size - 1) / 2), Math.max),
  );
  const ink = map(picture, (value, k) => {
    const below = ground.values[k];
    return (value - below) / Math.max(1 - below, 0.1);
  });
  const mask = inkMask(ink);
  const [inside, outside] = split(ink, mask);
  const black = outside.length ? mean(outside) + 2 * deviation(outside) : 0;
  const white = Math.max(median(inside), black + MIN_CONTRAST / 2);
  const rim = dilate(mask, ink, 2);
  let digit = map(ink, (value, k) =>
    rim[k] ? Math.min(Math.max((value - black) / (white - black), 0), 1) : 0,
  );
  if (largest(digit.values) <= 0.5) throw blank();

  let box = boundingBox(ink, places(mask));
  const scale = digitSize / Math.max(box.bottom - box.top + 1, box.right - box.left + 1);
  const strokeWidth = 4 * meanDistance(mask, ink) - 2;
  const radius = roundHalfEven((MIN_STROKE_WIDTH / scale - strokeWidth) / 2);
  if (radius > 0) {
    digit = widen(digit, radius);
    box = boundingBox(digit, places(digit.values.map((value) => value > 0.5)));
  }
  return centre(fit(crop(digit, box), digitSize), height, width);
}

// The largest part of the middle that has the sides of [rows, columns], scaled to them, a Uint8Array:
// Pillow's ImageOps.fit with Lanczos' filter. Pixels are 0 to 255, row by row, channel by channel.
export function fitted({ height, width, channels, pixels }, rows, columns) {
  const scale = Math.min(width / columns, height / rows);
  const [across, down] = [columns * scale, rows * scale];
  const ofColumns = lanczosWeights((width - across) / 2, across, width, columns);
  const ofRows = lanczosWeights((height - down) / 2, down, height, rows);
  const narrow = mixed(pixels, height, width, channels, ofColumns);
  return new Uint8Array(mixed(narrow, 1, height, columns * channels, ofRows).buffer);
}

// ---------------------------------------------------------------------------------------------
// Numbers

function roundHalfEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function deviation(values) {
  const middle = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - middle) ** 2;
  return Math.sqrt(sum / values.length);
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// Of sorted values, with linear interpolation.
function percentile(sorted, q) {
  const place = (q / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

const largest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const smallest = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

// Otsu's threshold: it separates values into two groups with the least variance inside.
function otsuThreshold(values) {
  const bins = 256;
  const [low, high] = [smallest(values), largest(values)];
  const [from, to] = low === high ? [low - 0.5, high + 0.5] : [low, high];
  const counts = new Float64Array(bins);
  const edge = (k) => (k === bins ? to : from + (k * (to - from)) / bins);
  for (const value of values) {
    let k = Math.min(Math.floor(((value - from) / (to - from)) * bins), bins - 1);
    if (value < edge(k)) k -= 1;
    else if (k < bins - 1 && value >= edge(k + 1)) k += 1;
    counts[k] += 1;
  }
  let total = 0;
  for (let k = 0; k < bins; k++) total += (counts[k] * (edge(k) + edge(k + 1))) / 2;
  let [best, place, below, sumBelow] = [-1, 0, 0, 0];
  for (let k = 0; k < bins - 1; k++) {
    below += counts[k];
    sumBelow += (counts[k] * (edge(k) + edge(k + 1))) / 2;
    const above = values.length - below;
    const between =
      below && above ? below * above * (sumBelow / below - (total - sumBelow) / above) ** 2 : 0;
    if (between > best) [best, place] = [between, k];
  }
  return edge(place + 1);
}

// ---------------------------------------------------------------------------------------------
// Filters along lines, with the border's value beyond the border

function alongBoth(picture, filter) {
  const { height, width } = picture;
  const result = { height, width, values: Float64Array.from(picture.values) };
  for (let y = 0; y < height; y++) {
    result.values.set(filter(result.values.slice(y * width, (y + 1) * width)), y * width);
  }
  const column = new Float64Array(height);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) column[y] = result.values[y * width + x];
    const filtered = filter(column);
    for (let y = 0; y < height; y++) result.values[y * width + x] = filtered[y];
  }
  return result;
}

const clamped = (line, k) => line[Math.min(Math.max(k, 0), line.length - 1)];

function meanFilter(line, size) {
  const result = new Float64Array(line.length);
  const first = -Math.floor(size / 2);
  let sum = 0;
  for (let k = first; k < first + size; k++) sum += clamped(line, k);
  for (let k = 0; k < line.length; k++) {
    result[k] = sum / size;
    sum += clamped(line, k + first + size) - clamped(line, k + first);
  }
  return result;
}

// The minimum or maximum of line[k + first ... k + first + size - 1], by van Herk's method.
function extremeFilter(line, size, first, choose) {
  const length = line.length + size - 1;
  const padded = new Float64Array(length);
  for (let k = 0; k < length; k++) padded[k] = clamped(line, k + first);
  const [forward, backward] = [new Float64Array(length), new Float64Array(length)];
  for (let k = 0; k < length; k++) {
    forward[k] = k % size ? choose(forward[k - 1], padded[k]) : padded[k];
  }
  for (let k = length - 1; k >= 0; k--) {
    const last = k === length - 1 || (k + 1) % size === 0;
    backward[k] = last ? padded[k] : choose(backward[k + 1], padded[k]);
  }
  return Float64Array.from(line, (_, k) => choose(backward[k], forward[k + size - 1]));
}

// How `size` pixels are mixed of those from `start` to `start + length` of a line: of each, which is its
// first, and the weights.
function lanczosWeights(start, length, limit, size) {
  const scale = length / size;
  const stretch = Math.max(scale, 1); // of the filter, where the picture becomes smaller
  return Array.from({ length: size }, (_, k) => {
    const centre = start + (k + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 3 * stretch + 0.5));
    const end = Math.min(limit, Math.trunc(centre + 3 * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, j) => lanczos((first + j + 0.5 - centre) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0);

// Mixes pixels along the middle axis of [outer, length, inner].
function mixed(pixels, outer, length, inner, line) {
  const result = new Uint8ClampedArray(outer * line.length * inner); // which rounds
  line.forEach(({ first, weights }, k) => {
    for (let o = 0; o < outer; o++) {
      for (let c = 0; c < inner; c++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += weights[j] * pixels[(o * length + first + j) * inner + c];
        }
        result[(o * line.length + k) * inner + c] = sum;
      }
    }
  });
  return result;
}

// ---------------------------------------------------------------------------------------------
// Planes and masks; a mask is a Uint8Array of the plane's size

const map = (picture, change) => ({
  height: picture.height,
  width: picture.width,
  values: Float64Array.from(picture.values, change),
});

function split(picture, mask) {
  return [1, 0].map((wanted) => picture.values.filter((_, k) => mask[k] === wanted));
}

// The pixels of the digit in `ink`, the picture without its ground.
function inkMask(ink) {
  const over = (threshold) => Uint8Array.from(ink.values, (value) => Number(value > threshold));
  let mask = over(otsuThreshold(ink.values));
  const edge = atEdge(mask, ink);
  const inner = mask.map((set, k) => Number(set && !edge[k]));
  const sides = label(inner, ink).map(({ box }) =>
    Math.max(box.bottom - box.top + 1, box.right - box.left + 1),
  );
  // What touches the edge is table or frame, unless nothing else is large enough to be a digit.
  if (Math.max(0, ...sides) * 20 > Math.max(ink.height, ink.width)) {
    const rest = ink.values.filter((_, k) => inner[k] || !mask[k]);
    const ofEdge = dilate(edge, ink, 3);
    mask = over(otsuThreshold(rest)).map((set, k) => Number(set && !ofEdge[k]));
  }
  const [inside, outside] = split(ink, mask);
  if (!inside.length || !outside.length || mean(inside) - mean(outside) < MIN_CONTRAST) {
    throw blank();
  }
  const parts = label(mask, ink);
  const most = Math.max(...parts.map(({ pixels }) => pixels.length));
  const kept = new Uint8Array(mask.length);
  for (const { pixels } of parts) {
    if (pixels.length * 10 > most) for (const k of pixels) kept[k] = 1;
  }
  return kept;
}

// The parts of a mask that hang together, corners included: [{pixels, box}].
function label(mask, { height, width }) {
  const seen = new Uint8Array(mask.length);
  const parts = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] && !seen[start]) {
      const pixels = flood(mask, [start], seen, height, width);
      parts.push({ pixels, box: boundingBox({ height, width }, pixels) });
    }
  }
  return parts;
}

function atEdge(mask, { height, width }) {
  const starts = [];
  for (let k = 0; k < mask.length; k++) {
    const [y, x] = [Math.floor(k / width), k % width];
    if (mask[k] && (y === 0 || x === 0 || y === height - 1 || x === width - 1)) starts.push(k);
  }
  const reached = new Uint8Array(mask.length);
  flood(mask, starts, reached, height, width);
  return reached;
}

// The pixels of a mask that can be reached from some; marks them as seen.
function flood(mask, starts, seen, height, width) {
  const found = [...starts];
  for (const k of starts) seen[k] = 1;
  for (let next = 0; next < found.length; next++) {
    const [y, x] = [Math.floor(found[next] / width), found[next] % width];
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const k = v * width + u;
        if (mask[k] && !seen[k]) {
          seen[k] = 1;
          found.push(k);
        }
      }
    }
  }
  return found;
}

// A mask that has grown by one pixel to the four sides, some times.
function dilate(mask, { height, width }, times) {
  let grown = Uint8Array.from(mask);
  for (let time = 0; time < times; time++) {
    const before = Uint8Array.from(grown);
    for (let k = 0; k < before.length; k++) {
      if (before[k]) {
        const [y, x] = [Math.floor(k / width), k % width];
        if (y > 0) grown[k - width] = 1;
        if (y < height - 1) grown[k + width] = 1;
        if (x > 0) grown[k - 1] = 1;
        if (x < width - 1) grown[k + 1] = 1;
      }
    }
  }
  return grown;
}

// Where a mask is set.
function places(mask) {
  const found = [];
  mask.forEach((set, k) => {
    if (set) found.push(k);
  });
  return found;
}

function boundingBox({ height, width }, pixels) {
  const box = { top: height, bottom: -1, left: width, right: -1 };
  for (const k of pixels) {
    const [y, x] = [Math.floor(k / width), k % width];
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
  }
  return box;
}

// The mean distance of the pixels of a mask to the nearest pixel outside (Felzenszwalb's method).
function meanDistance(mask, { height, width }) {
  const squared = Float64Array.from(mask, (set) => (set ? 1e12 : 0));
  const line = new Float64Array(Math.max(height, width));
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = squared[y * width + x];
    const found = lowerEnvelope(line.subarray(0, height));
    for (let y = 0; y < height; y++) squared[y * width + x] = found[y];
  }
  for (let y = 0; y < height; y++) {
    const row = squared.subarray(y * width, (y + 1) * width);
    row.set(lowerEnvelope(Float64Array.from(row)));
  }
  return mean(Array.from(squared).filter((_, k) => mask[k]).map(Math.sqrt));
}

// min over j of line[j] + (k - j)^2.
function lowerEnvelope(line) {
  const [vertices, borders] = [[0], [-Infinity, Infinity]];
  const cross = (a, b) => (line[b] + b * b - line[a] - a * a) / (2 * (b - a));
  for (let k = 1; k < line.length; k++) {
    let at = cross(vertices[vertices.length - 1], k);
    while (at <= borders[vertices.length - 1]) {
      vertices.pop();
      borders.pop();
      at = cross(vertices[vertices.length - 1], k);
    }
    vertices.push(k);
    borders[vertices.length - 1] = at;
    borders[vertices.length] = Infinity;
  }
  let place = 0;
  return Float64Array.from(line, (_, k) => {
    while (borders[place + 1] < k) place++;
    return line[vertices[place]] + (k - vertices[place]) ** 2;
  });
}

// Grows what is light by a disc; the plane becomes larger by its radius on all sides.
function widen(picture, radius) {
  const result = plane(picture.height + 2 * radius, picture.width + 2 * radius);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const value = picture.values[y * picture.width + x];
      if (value === 0) continue;
      for (let v = -radius; v <= radius; v++) {
        for (let u = -radius; u <= radius; u++) {
          if (u * u + v * v > radius * radius) continue;
          const k = (y + radius + v) * result.width + x + radius + u;
          result.values[k] = Math.max(result.values[k], value);
        }
      }
    }
  }
  return result;
}

function crop(picture, { top, bottom, left, right }) {
  const result = plane(bottom - top + 1, right - left + 1);
  for (let y = top; y <= bottom; y++) {
    const row = picture.values.subarray(y * picture.width + left, y * picture.width + right + 1);
    result.values.set(row, (y - top) * result.width);
  }
  return result;
}

// Scaled so that the longer side has `digitSize` pixels, and the brightest is 1.
function fit(digit, digitSize) {
  const scale = digitSize / Math.max(digit.height, digit.width);
  const [height, width] = [digit.height, digit.width].map((side) =>
    Math.max(1, roundHalfEven(side * scale)),
  );
  const narrow = plane(digit.height, width);
  for (let y = 0; y < digit.height; y++) {
    const row = digit.values.subarray(y * digit.width, (y + 1) * digit.width);
    narrow.values.set(boxScaled(row, width), y * width);
  }
  const result = plane(height, width);
  const column = new Float64Array(digit.height);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < digit.height; y++) column[y] = narrow.values[y * width + x];
    boxScaled(column, height).forEach((value, y) => (result.values[y * width + x] = value));
  }
  const top = Math.max(largest(result.values), 1e-6);
  return map(result, (value) => value / top);
}

// A line of another length: the mean of what each new pixel covers, as Pillow's BOX filter.
function boxScaled(line, length) {
  const scale = line.length / length;
  const filterScale = Math.max(scale, 1);
  return Float64Array.from({ length }, (_, k) => {
    const middle = (k + 0.5) * scale;
    const from = Math.max(0, Math.trunc(middle - 0.5 * filterScale + 0.5));
    const to = Math.min(line.length, Math.trunc(middle + 0.5 * filterScale + 0.5));
    let [sum, weights] = [0, 0];
    for (let j = from; j < to; j++) {
      const at = (j - middle + 0.5) / filterScale;
      if (at > -0.5 && at <= 0.5) {
        sum += line[j];
        weights += 1;
      }
    }
    return weights ? sum / weights : 0;
  });
}

// In a black field, with the centre of mass in the middle, nothing cut off.
function centre(digit, height, width) {
  let [mass, row, column] = [0, 0, 0];
  digit.values.forEach((value, k) => {
    mass += value;
    row += value * Math.floor(k / digit.width);
    column += value * (k % digit.width);
  });
  const corner = (whole, part, middle) =>
    Math.min(Math.max(roundHalfEven((whole - 1) / 2 - middle), 0), whole - part);
  const top = corner(height, digit.height, row / mass);
  const left = corner(width, digit.width, column / mass);
  const field = plane(height, width);
  for (let y = 0; y < digit.height; y++) {
    const line = digit.values.subarray(y * digit.width, (y + 1) * digit.width);
    field.values.set(line, (top + y) * width + left);
  }
  return field;
}
