/** Alone in its file: the worker names the engine by it long before a plan is read, and the reader stays off the wire. */
export const PLAN_VERSION = 2
