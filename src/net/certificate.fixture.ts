/** For tests: certificates made by openssl, each vouching for itself. */

import { execFileSync } from 'node:child_process'
import path from 'node:path'

export interface MadeCertificate {
  readonly certFile: string
  readonly keyFile: string
}

/** @param names of the certificate, `DNS:a.example` or `IP:127.0.0.1` */
export function makeCertificate(folder: string, name: string, names: readonly string[]): MadeCertificate {
  const certFile = path.join(folder, `${name}.crt`)
  const keyFile = path.join(folder, `${name}.key`)
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync(
    'openssl',
    [
      ...args,
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${names.join(',')}`,
      '-keyout',
      keyFile,
      '-out',
      certFile,
    ],
    { stdio: 'ignore' },
  )
  return { certFile, keyFile }
}
