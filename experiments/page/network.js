// The exported network (experiments.export --format=onnx) in ONNX Runtime Web, on WebAssembly.

import * as ort from "./ort.wasm.min.mjs";

// One thread: several need headers that a plain static host does not send.
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

// Returns {metadata, describe}. describe takes the pixels, a Uint8Array of the image's shape, and the
// number of the voice, which matters where the network depends on it. It returns {waveform, guesses, isSure}: guesses are {word, probability}, the likeliest first, and
// empty where the network has no softmax layer.
export async function loadNetwork() {
  const [metadata, session] = await Promise.all([
    fetch("metadata.json").then((response) => response.json()),
    ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] }),
  ]);
  const shape = [1, ...metadata.image_shape];

  async function describe(pixels, voice) {
    const inputs = { image: new ort.Tensor("uint8", pixels, shape) };
    if (metadata.inputs.includes("voice")) inputs.voice = new ort.Tensor("int32", [voice], [1]);
    const outputs = await session.run(inputs);
    const probabilities = Array.from(outputs.probabilities?.data ?? []);
    const guesses = probabilities
      .map((probability, k) => ({ word: metadata.words[k], probability }))
      .sort((a, b) => b.probability - a.probability);
    const isSure = !guesses.length || guesses[0].probability >= metadata.threshold;
    return { waveform: outputs.waveform.data, guesses, isSure };
  }
  return { metadata, describe };
}
