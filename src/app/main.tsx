/// <reference path="./defines.d.ts" />
import { openKit } from '../client/open-kit.ts'
import { startApp } from './start.tsx'

const root = document.getElementById('app')
const options = { app: `jiko ${__APP_VERSION__}`, trustedKeys: __TRUSTED_KEYS__, runtime: __ORT_BASE__, eager: true }
if (root) void startApp(() => openKit(options), root)
