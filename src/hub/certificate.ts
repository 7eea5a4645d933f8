import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { JikoError } from '../protocol/error.ts'

/** PEM: the certificate (with those of its issuers after it, where there are any) and its private key. */
export interface Certificate {
  cert: string
  key: string
}

async function read(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new JikoError('hub/bad-certificate', `${path} cannot be read (${reason}): name another file with ${option}`, {
      cause,
    })
  }
}

function parse<T>(make: () => T, path: string, what: string): T {
  try {
    return make()
  } catch (cause) {
    throw new JikoError('hub/bad-certificate', `${path} is not ${what} in PEM`, { cause })
  }
}

/** Reads what HTTPS needs. @throws JikoError `hub/bad-certificate` saying which file is wrong, and how. */
export async function readCertificate(certPath: string, keyPath: string): Promise<Certificate> {
  const [cert, key] = await Promise.all([read(certPath, '--tls-cert'), read(keyPath, '--tls-key')])
  const certificate = parse(() => new X509Certificate(cert), certPath, 'a certificate')
  const privateKey = parse(() => createPrivateKey(key), keyPath, 'a private key without a passphrase')
  if (certificate.checkPrivateKey(privateKey)) return { cert, key }
  throw new JikoError('hub/bad-certificate', `the key in ${keyPath} is not the key of the certificate in ${certPath}`)
}
