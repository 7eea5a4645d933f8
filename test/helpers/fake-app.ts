import { resolve } from 'node:path'
import { build } from 'vite'
import { appConfig } from '../../vite.config.ts'
import type { FakePageOptions } from './fake-app/options.ts'
import { serveFolders } from './serve-folder.ts'

const FOLDER = resolve('dist/fake-app')

export interface FakeApp {
  /** @param hash where in the app, like `#/history`. */
  url(options?: FakePageOptions, hash?: string): string
  close(): Promise<void>
}

/** Builds the real app on the fake kit and serves it, with the sample photos under `/samples/`. */
export async function serveFakeApp(): Promise<FakeApp> {
  const config = appConfig([])
  await build({
    ...config,
    configFile: false,
    logLevel: 'warn',
    root: 'test/helpers/fake-app',
    publicDir: resolve('src/app/public'),
    build: { ...config.build, outDir: FOLDER, minify: false, license: false },
  })
  const server = await serveFolders({ '/': FOLDER, '/samples/': resolve('models/coffee-leaf/samples') })
  return {
    url: (options = {}, hash = '') => `${server.origin}/?kit=${encodeURIComponent(JSON.stringify(options))}${hash}`,
    close: server.close,
  }
}
