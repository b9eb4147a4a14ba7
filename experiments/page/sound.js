// A waveform as a file to play, and as pictures to look at.

// A 16-bit wav file of samples in [-1, 1].
export function wavFile(samples, sampleRate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) =>
    [...letters].forEach((letter, k) => view.setUint8(at + k, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, k) => view.setInt16(44 + 2 * k, Math.round(32767 * sample), true));
  return new Blob([view], { type: "audio/wav" });
}

export function drawWaveform(canvas, samples) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  for (let x = 0; x < width; x++) {
    const part = samples.subarray(
      Math.floor((x * samples.length) / width),
      Math.ceil(((x + 1) * samples.length) / width),
    );
    const [low, high] = [Math.min(...part), Math.max(...part)];
    const top = ((1 - high) * height) / 2;
    context.fillRect(x, top, 1, Math.max(1, ((high - low) * height) / 2));
  }
}

const FRAME = 512;
const SHOWN_HZ = 8000;
const SHOWN_DECIBELS = 70; // below the loudest

// Time from left to right, 0 to 8 kHz from below; light is loud.
export function drawSpectrogram(canvas, samples, sampleRate) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const window = Float64Array.from(
    { length: FRAME },
    (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / FRAME),
  );
  const columns = [];
  for (let x = 0; x < width; x++) {
    const first = Math.round((x / width) * samples.length - FRAME / 2);
    const frame = window.map((weight, k) => weight * (samples[first + k] ?? 0));
    columns.push(decibels(frame));
  }
  const loudest = Math.max(...columns.map((column) => Math.max(...column)));
  const bins = Math.min(FRAME / 2, (SHOWN_HZ / sampleRate) * FRAME);
  const pixels = context.createImageData(width, height);
  columns.forEach((column, x) => {
    for (let y = 0; y < height; y++) {
      const bin = Math.floor(((height - 1 - y) / height) * bins);
      const level = Math.max(0, 1 + (column[bin] - loudest) / SHOWN_DECIBELS);
      pixels.data.set(colour(level), 4 * (y * width + x));
    }
  });
  context.putImageData(pixels, 0, 0);
}

// From black over violet and orange to pale yellow.
function colour(level) {
  return [
    255 * Math.min(1, 1.7 * level),
    255 * Math.max(0, 1.8 * level - 0.85),
    255 * Math.min(1, Math.max(0, level < 0.5 ? 1.3 * level : 0.65 - 0.9 * (level - 0.5), 3 * level - 2.2)),
    255,
  ];
}

function decibels(frame) {
  const [real, imaginary] = transform(frame, new Float64Array(frame.length));
  const half = real.length / 2;
  return Array.from({ length: half }, (_, k) =>
    10 * Math.log10(real[k] ** 2 + imaginary[k] ** 2 + 1e-12),
  );
}

// The discrete Fourier transform of a power of two of values.
function transform(real, imaginary) {
  const count = real.length;
  if (count === 1) return [real, imaginary];
  const half = count / 2;
  const every = (values, start) => Float64Array.from({ length: half }, (_, k) => values[2 * k + start]);
  const [evenReal, evenImaginary] = transform(every(real, 0), every(imaginary, 0));
  const [oddReal, oddImaginary] = transform(every(real, 1), every(imaginary, 1));
  const [sumReal, sumImaginary] = [new Float64Array(count), new Float64Array(count)];
  for (let k = 0; k < half; k++) {
    const [cos, sin] = [Math.cos((2 * Math.PI * k) / count), -Math.sin((2 * Math.PI * k) / count)];
    const turnedReal = cos * oddReal[k] - sin * oddImaginary[k];
    const turnedImaginary = cos * oddImaginary[k] + sin * oddReal[k];
    sumReal[k] = evenReal[k] + turnedReal;
    sumImaginary[k] = evenImaginary[k] + turnedImaginary;
    sumReal[k + half] = evenReal[k] - turnedReal;
    sumImaginary[k + half] = evenImaginary[k] - turnedImaginary;
  }
  return [sumReal, sumImaginary];
}
