/// <reference path="./defines.d.ts" />
import { startKit } from '../client/open-kit.ts'
import { startApp } from './start.tsx'

const root = document.getElementById('app')
const options = { app: `jiko ${__APP_VERSION__}`, trustedKeys: __TRUSTED_KEYS__, runtime: __ORT_BASE__ }
if (root) void startApp((pack) => startKit({ ...options, eager: pack ?? true }), root)
