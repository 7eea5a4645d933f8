/** Only methods that answer later: nobody sees that what they belong to is not here yet. */
type Asynchronous = Record<string, (...given: never[]) => Promise<unknown>>

/** Stands for what `load` gives, which is asked for with the first call of a method. */
export const lazily = <T extends { [K in keyof T]: Asynchronous[string] }>(load: () => Promise<T>): T =>
  new Proxy({} as T, {
    get:
      (_, method) =>
      async (...given: never[]) =>
        (await load())[method as keyof T](...given),
  })
