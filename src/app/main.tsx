/// <reference path="./defines.d.ts" />
// First: while it starts all else is evaluated.
import './worker-ahead.ts'
import { startKit } from '../client/open-kit.ts'
import { startApp } from './start.tsx'
import { startWorker } from './worker-ahead.ts'

const root = document.getElementById('app')
const options = { app: `jiko ${__APP_VERSION__}`, trustedKeys: __TRUSTED_KEYS__, runtime: __ORT_BASE__, startWorker }
if (root) void startApp((pack) => startKit({ ...options, eager: pack ?? true }), root)
