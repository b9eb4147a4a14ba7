// The page: a picture comes in by drawing, file, drop, camera or example; a word comes out.

import { loadNetwork } from "./network.js";
import { extractDigit, hasDarkInk, PictureError, plane, workingSize } from "./picture.js";
import { drawSpectrogram, drawWaveform, wavFile } from "./sound.js";

const $ = (id) => document.getElementById(id);
const PEN = 22; // of the drawing, in its pixels
const SHOWN_WORDS = 10;

let network;
let seen; // the pixels of the last picture
let soundUrl;

// ---------------------------------------------------------------------------------------------
// A picture -> pixels

// Any picture that a canvas can draw -> what the network sees, a Uint8Array.
function asPixels(source, width, height) {
  const [rows, columns, channels] = network.metadata.image_shape;
  if (channels === 3 || network.metadata.digit_size === null) {
    // The largest part of the middle with the wanted sides.
    const scale = Math.min(width / columns, height / rows);
    const part = [columns * scale, rows * scale];
    const corner = [(width - part[0]) / 2, (height - part[1]) / 2];
    return channelsOf(drawn(source, [...corner, ...part], columns, rows), channels);
  }
  const same = width === columns && height === rows;
  const [down, across] = same ? [rows, columns] : workingSize(height, width);
  const grey = plane(down, across);
  channelsOf(drawn(source, [0, 0, width, height], across, down), 1).forEach((value, k) => {
    grey.values[k] = value / 255;
  });
  const dark = hasDarkInk(grey);
  const ink = { ...grey, values: grey.values.map((value) => (dark ? 1 - value : value)) };
  const digit = same ? ink : extractDigit(ink, rows, columns, network.metadata.digit_size);
  return Uint8Array.from(digit.values, (value) => Math.round(255 * value));
}

// A part of a picture at another size, on white, as RGBA values.
function drawn(source, part, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...part, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

function channelsOf(rgba, channels) {
  const pixels = new Uint8Array((rgba.length / 4) * channels);
  for (let k = 0; k < rgba.length / 4; k++) {
    const [red, green, blue] = rgba.subarray(4 * k, 4 * k + 3);
    if (channels === 3) pixels.set([red, green, blue], 3 * k);
    else pixels[k] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return pixels;
}

// ---------------------------------------------------------------------------------------------
// Pixels -> a word

async function say(source, width, height) {
  tell("");
  if (!network) return;
  try {
    seen = asPixels(source, width, height);
    await saySeen();
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    forget();
    tell(error.message);
  }
}

async function saySeen() {
  show(seen, await network.describe(seen, $("voice").selectedIndex));
}

function show(pixels, { waveform, guesses, isSure }) {
  const { sample_rate: sampleRate } = network.metadata;
  const [best, next] = guesses;
  $("answer").textContent = isSure
    ? best
      ? `${best.word}, ${percent(best)}`
      : "Here is the word."
    : `I am not sure: ${best.word} (${percent(best)}) or ${next.word} (${percent(next)}). Play it if you like.`;
  URL.revokeObjectURL(soundUrl);
  soundUrl = URL.createObjectURL(wavFile(waveform, sampleRate));
  const player = $("player");
  player.src = soundUrl;
  player.hidden = false;
  // What it is not sure of is not spoken unasked. A browser may refuse to play before a click.
  if (isSure) player.play().catch(() => {});
  $("details").hidden = false;
  drawSeen(pixels);
  drawWaveform($("waveform"), waveform);
  drawSpectrogram($("spectrogram"), waveform, sampleRate);
  const rows = guesses.slice(0, SHOWN_WORDS).map((guess) => {
    const row = document.createElement("tr");
    for (const text of [guess.word, percent(guess)]) {
      row.append(Object.assign(document.createElement("td"), { textContent: text }));
    }
    return row;
  });
  $("guesses").tBodies[0].replaceChildren(...rows);
  $("guesses").hidden = !rows.length;
}

function forget() {
  seen = undefined;
  $("answer").textContent = "";
  $("player").hidden = true;
  $("details").hidden = true;
}

const percent = ({ probability }) => `${(100 * probability).toFixed(1)} %`;

function drawSeen(pixels) {
  const [rows, columns, channels] = network.metadata.image_shape;
  const small = new OffscreenCanvas(columns, rows);
  const data = new ImageData(columns, rows);
  for (let k = 0; k < rows * columns; k++) {
    const [red, green, blue] = channels === 3 ? pixels.subarray(3 * k, 3 * k + 3) : Array(3).fill(pixels[k]);
    data.data.set([red, green, blue, 255], 4 * k);
  }
  small.getContext("2d").putImageData(data, 0, 0);
  const canvas = $("seen");
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function tell(message) {
  $("message").textContent = message;
}

// ---------------------------------------------------------------------------------------------
// Ways in

async function sayFile(file) {
  tell("");
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    forget();
    tell(`"${file.name}" is not a picture that this browser can read. Choose a PNG or JPEG file.`);
    return;
  }
  await say(picture, picture.width, picture.height);
}

function prepareDrawing() {
  const paper = $("paper");
  const context = paper.getContext("2d");
  const wipe = () => {
    context.fillStyle = "white";
    context.fillRect(0, 0, paper.width, paper.height);
  };
  const place = (event) => {
    const box = paper.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * paper.width) / box.width,
      ((event.clientY - box.top) * paper.height) / box.height,
    ];
  };
  paper.addEventListener("pointerdown", (event) => {
    paper.setPointerCapture(event.pointerId);
    Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
    context.beginPath();
    context.moveTo(...place(event));
    context.lineTo(...place(event));
    context.stroke();
  });
  paper.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    context.lineTo(...place(event));
    context.stroke();
  });
  wipe();
  $("clear").addEventListener("click", () => {
    wipe();
    tell("");
  });
  $("say").addEventListener("click", () => say(paper, paper.width, paper.height));
}

function prepareFiles() {
  $("file").addEventListener("change", ({ target }) => {
    if (target.files.length) sayFile(target.files[0]);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (event.dataTransfer.files.length) sayFile(event.dataTransfer.files[0]);
  });
}

function prepareCamera() {
  const view = $("view");
  $("camera").addEventListener("click", async () => {
    tell("");
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment" },
      });
    } catch {
      tell("The camera cannot be used: there is none, or it was not allowed.");
      return;
    }
    view.hidden = $("shoot").hidden = false;
    $("camera").hidden = true;
    await view.play();
    $("shoot").focus();
  });
  $("shoot").addEventListener("click", async () => {
    await say(view, view.videoWidth, view.videoHeight);
    for (const track of view.srcObject.getTracks()) track.stop();
    view.hidden = $("shoot").hidden = true;
    $("camera").hidden = false;
    $("camera").focus();
  });
}

// The test pictures that were put beside the page, so that it can be tried without drawing.
function prepareExamples(examples) {
  const items = examples.map(({ file, name }) => {
    const picture = Object.assign(new Image(), { src: file, alt: name });
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(picture);
    button.addEventListener("click", () => say(picture, picture.naturalWidth, picture.naturalHeight));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  $("examples").querySelector("ul").replaceChildren(...items);
  $("examples").hidden = !items.length;
}

// Who speaks, where the network can speak as several.
function prepareVoices({ inputs, voices }) {
  const options = voices.map((name) => new Option(name.replaceAll("_", " ")));
  $("voice").replaceChildren(...options);
  $("voices").hidden = !inputs.includes("voice");
  $("voice").addEventListener("change", () => seen && saySeen());
}

async function begin() {
  prepareDrawing();
  prepareFiles();
  prepareCamera();
  try {
    network = await loadNetwork();
  } catch (error) {
    $("answer").textContent = "";
    tell(`The network cannot be loaded (${error.message}). Load the page again from a web server.`);
    return;
  }
  const { metadata } = network;
  const known = metadata.words.length > 20 ? `${metadata.words.length} words` : metadata.words.join(", ");
  $("known").textContent = known;
  $("drawing").hidden = metadata.digit_size === null;
  $("made").textContent = `${metadata.system}, preset ${metadata.preset}; voice: ${metadata.voices.join(", ")}.`;
  prepareVoices(metadata);
  prepareExamples(metadata.examples ?? []);
  $("answer").textContent = "Ready.";
}

begin();
