// Entry of the build that every device uses beside one of the products builds.
// Int8 activations are NHWC with channels padded to a multiple of 8; what padding lanes hold never counts.
export { dequantise, quantise } from "./convert";
export { depthwise, depthwise3 } from "./depthwise";
export { dense } from "./dense";
export { add, lookup, scale } from "./elementwise";
export { copy, pad } from "./move";
export { averagePool, globalAverage, maxPool } from "./pool";
export { gather, largest, reduceReal } from "./rare";
export { clampReal, combineReal, mapReal, normalise, product, softmax, unfold } from "./real";
