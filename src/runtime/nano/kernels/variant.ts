// The build puts dot, mlal or relaxed in the place of this file.
export * from "./dot";
