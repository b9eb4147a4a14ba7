// The page: a picture comes in by drawing, file, drop, camera or example; a word comes out.

import { loadNetwork } from "./network.js";
import { extractDigit, fitted, hasDarkInk, PictureError, plane, workingSize } from "./picture.js";
import { drawSpectrogram, drawWaveform, wavFile } from "./sound.js";

const $ = (id) => document.getElementById(id);
const PEN = 22; // of the drawing, in its pixels
const SHOWN_WORDS = 10;
const LARGEST_SIDE = 2048; // of what is scaled here; a canvas makes larger pictures smaller first
const LOOKING = "Looking …";

let network;
let failure = "The network is still being loaded. Try again in a moment.";
let turn = 0; // counts the pictures: what an earlier one still has to say is dropped
let seen; // the pixels of the last picture
let soundUrl;

// ---------------------------------------------------------------------------------------------
// A picture -> pixels

// Any picture that a canvas can draw -> what the network sees, a Uint8Array.
function asPixels(source, width, height) {
  if (!width || !height) throw new PictureError("There is no picture yet.");
  const [rows, columns, channels] = network.metadata.image_shape;
  if (channels === 3 || network.metadata.digit_size === null) {
    const scale = Math.min(1, LARGEST_SIDE / Math.max(width, height));
    const [down, across] = [height, width].map((side) => Math.max(1, Math.round(side * scale)));
    const pixels = channelsOf(drawn(source, width, height, across, down), channels);
    return fitted({ height: down, width: across, channels, pixels }, rows, columns);
  }
  const same = width === columns && height === rows;
  const [down, across] = same ? [rows, columns] : workingSize(height, width);
  const grey = plane(down, across);
  channelsOf(drawn(source, width, height, across, down), 1).forEach((value, k) => {
    grey.values[k] = value / 255;
  });
  const dark = hasDarkInk(grey);
  const ink = { ...grey, values: grey.values.map((value) => (dark ? 1 - value : value)) };
  const digit = same ? ink : extractDigit(ink, rows, columns, network.metadata.digit_size);
  return Uint8Array.from(digit.values, (value) => Math.round(255 * value));
}

// A picture at another size, on white, as RGBA values.
function drawn(source, width, height, across, down) {
  const canvas = new OffscreenCanvas(across, down);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, across, down);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height, 0, 0, across, down);
  return context.getImageData(0, 0, across, down).data;
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

// Speaks the pixels that `read` returns, or says why it cannot. What it is not sure of is spoken only
// where it was asked for.
async function say(read, isAsked = false) {
  if (!network) {
    tell(failure);
    return;
  }
  const mine = ++turn;
  forget();
  $("answer").textContent = LOOKING;
  // So that it is seen, and that a screen reader says the same word again.
  await new Promise((resolve) => setTimeout(resolve, 50));
  try {
    const pixels = await read();
    if (mine !== turn) return;
    const description = await network.describe(pixels, $("voice").selectedIndex);
    if (mine !== turn) return;
    seen = pixels;
    show(pixels, description, isAsked);
  } catch (error) {
    if (mine !== turn) return;
    forget();
    tell(
      error instanceof PictureError
        ? error.message
        : `This picture cannot be spoken (${error.message}). Try another one.`,
    );
  }
}

function show(pixels, { waveform, guesses, isSure }, isAsked) {
  const { sample_rate: sampleRate } = network.metadata;
  const [best, next] = guesses;
  if (!best) $("answer").textContent = "Here is the word. How sure it is cannot be told.";
  else if (isSure) $("answer").textContent = `${best.word}, ${percent(best)}`;
  else {
    const others = next ? ` or ${next.word} (${percent(next)})` : "";
    $("answer").textContent = `I am not sure: ${best.word} (${percent(best)})${others}. Play it if you like.`;
  }
  URL.revokeObjectURL(soundUrl);
  soundUrl = URL.createObjectURL(wavFile(waveform, sampleRate));
  const player = $("player");
  player.src = soundUrl;
  player.hidden = false;
  if (isSure || isAsked) {
    player.play().catch(({ name }) => {
      if (name === "NotAllowedError") tell("Press play to hear it.");
    });
  }
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
  tell("");
  $("answer").textContent = "";
  $("player").pause();
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

// The pixels of what a file, the camera or a canvas shows.
async function pixelsOf(source, refusal) {
  let picture;
  try {
    picture = await createImageBitmap(source);
  } catch {
    throw new PictureError(refusal);
  }
  try {
    return asPixels(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}

function sayFile(file) {
  const refusal = `"${file.name}" is not a picture that this browser can read. Choose a PNG or JPEG file.`;
  say(() => pixelsOf(file, refusal));
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
  let pen; // the pointer that draws: one finger, or the mouse with its first button
  paper.addEventListener("pointerdown", (event) => {
    if (pen !== undefined || event.button !== 0) return;
    pen = event.pointerId;
    paper.setPointerCapture(pen);
    Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
    context.beginPath();
    context.moveTo(...place(event));
    context.lineTo(...place(event));
    context.stroke();
  });
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pen) return;
    context.lineTo(...place(event));
    context.stroke();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    paper.addEventListener(end, (event) => {
      if (event.pointerId === pen) pen = undefined;
    });
  }
  wipe();
  $("clear").addEventListener("click", () => {
    wipe();
    tell("");
  });
  $("say").addEventListener("click", () => say(() => asPixels(paper, paper.width, paper.height)));
}

function prepareFiles() {
  // So that the same file can be chosen again.
  $("file").addEventListener("click", ({ target }) => (target.value = ""));
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
    const [file] = event.dataTransfer.files;
    if (file) sayFile(file);
    else tell("No file was dropped. Save the picture first, and drop or choose its file.");
  });
}

function prepareCamera() {
  const view = $("view");
  const close = () => {
    if (!view.srcObject) return;
    for (const track of view.srcObject.getTracks()) track.stop();
    view.srcObject = null;
    view.hidden = $("shoot").hidden = $("close").hidden = true;
    $("camera").hidden = false;
    $("camera").focus();
  };
  $("camera").addEventListener("click", async () => {
    tell("");
    $("camera").disabled = true; // a second press would open a second one
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment" },
      });
      view.hidden = false;
      await view.play();
      $("shoot").hidden = $("close").hidden = false;
      $("camera").hidden = true;
      $("shoot").focus();
    } catch {
      close();
      $("camera").disabled = false; // else it loses the focus
      $("camera").focus();
      tell(
        window.isSecureContext
          ? "The camera cannot be used: there is none, or it was not allowed."
          : "The camera needs https or localhost. Choose a photo instead.",
      );
    } finally {
      $("camera").disabled = false;
    }
  });
  $("close").addEventListener("click", close);
  $("shoot").addEventListener("click", async () => {
    $("shoot").disabled = $("close").disabled = true; // a second press would lose the picture
    try {
      await say(async () => {
        try {
          return await pixelsOf(view, "The camera shows no picture yet.");
        } finally {
          close();
        }
      });
    } finally {
      $("shoot").disabled = $("close").disabled = false;
    }
  });
}

// The test pictures that were put beside the page, so that it can be tried without drawing.
function prepareExamples(examples) {
  const items = examples.map(({ file, name }) => {
    const picture = Object.assign(new Image(), { src: file, alt: name });
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(picture);
    button.addEventListener("click", () =>
      say(async () => {
        await picture.decode();
        return asPixels(picture, picture.naturalWidth, picture.naturalHeight);
      }),
    );
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
  $("voice").addEventListener("change", () => {
    const pixels = seen;
    if (pixels) say(() => pixels, true);
  });
}

async function begin() {
  prepareDrawing();
  prepareFiles();
  prepareCamera();
  try {
    network = await loadNetwork();
  } catch (error) {
    failure = `The network cannot be loaded (${error.message}). Load the page again from a web server.`;
    $("answer").textContent = "";
    tell(failure);
    return;
  }
  const { metadata } = network;
  const known = metadata.words.length > 20 ? `${metadata.words.length} words` : metadata.words.join(", ");
  $("known").textContent = known;
  $("middle").hidden = metadata.digit_size !== null;
  $("drawing").hidden = metadata.digit_size === null;
  $("made").textContent = `${metadata.system}, preset ${metadata.preset}; voice: ${metadata.voices.join(", ")}.`;
  prepareVoices(metadata);
  prepareExamples(metadata.examples ?? []);
  if ($("message").textContent === failure) tell("");
  $("answer").textContent = "Ready.";
}

begin();
