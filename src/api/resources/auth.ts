/** Sign-up, sign-in and their companions (contract §2.2). None but `unregister` needs a credential. */

import { z } from 'zod'
import { loginAnswer, loginRequest, signupAnswer, signupRequest } from '../../contract/account.ts'
import { type CustomerDoc, customerSchema } from '../../contract/customer.ts'
import { AppError } from '../../contract/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { createAccessKey, createAccount, SIGNUP_KEY_SECONDS, signIn } from '../accounts.ts'
import { type App, type Desk, shown } from '../app.ts'
import { requireIdentity } from '../auth.ts'
import { JWT_LIFE_SECONDS, signAgentToken } from '../jwt.ts'
import { about } from './reading.ts'

/** @param hide leaves the routes out of the reference, where they are served a second time */
export function authRoutes(app: App, desk: Desk, hide: boolean): void {
  const { deps } = desk
  app.post(
    '/signup',
    { schema: { ...about('/auth', 'Sign up'), hide, body: signupRequest, response: { 200: signupAnswer } } },
    ({ body }) => signUp(desk, body),
  )
  app.post(
    '/login',
    { schema: { ...about('/auth', 'Sign in'), hide, body: loginRequest, response: { 200: loginAnswer } } },
    async ({ body, protocol }, reply) => {
      const { username, password } = body
      const agent = username && password ? await signIn(deps, username, password) : null
      if (!agent) throw new AppError('SIGN_IN_FAILED')
      const token = await signAgentToken(agent, deps.settings.jwtKey, deps.clock.wallMicros())
      const secure = protocol === 'https' ? '; Secure' : ''
      reply.header(
        'set-cookie',
        `token=${token}; Path=/; Max-Age=${JWT_LIFE_SECONDS}; HttpOnly; SameSite=Strict${secure}`,
      )
      return { username: agent.username, token }
    },
  )
  app.post(
    '/boot',
    { schema: { ...about('/auth', 'Sign in by direct hash'), hide, body: z.object({ direct_hash: z.string() }) } },
    async () => {
      throw new AppError('INVALID_ARGUMENT', { message: 'direct_hash: is unknown' })
    },
  )
  for (const name of ['password-forgot', 'password-reset', 'email-verify']) {
    const schema = { ...about('/auth', 'Accepted; sends nothing'), hide, response: { 200: z.object({}) } }
    app.post(`/${name}`, { schema }, async () => ({}))
  }
  const unregister = { ...about('/auth', 'Accepted; deletes nothing'), hide, response: { 200: customerSchema } }
  app.route({
    method: ['POST', 'DELETE'],
    url: '/unregister',
    schema: unregister,
    handler: async (request): Promise<CustomerDoc> => {
      const { customerId } = await requireIdentity(desk.authenticate, request)
      return shown((await desk.ledger.row('customers', customerId, customerId, 'CUSTOMER_NOT_FOUND')).doc)
    },
  })
}

type SignupAnswer = z.infer<typeof signupAnswer>

async function signUp(desk: Desk, body: z.infer<typeof signupRequest>): Promise<SignupAnswer> {
  const { deps, ledger } = desk
  const username = body.username ?? body.email
  if (username === undefined || username.trim() === '') {
    throw new AppError('INVALID_ARGUMENT', { message: 'email: is needed unless username is given' })
  }
  if (body.accepted_tos === false) {
    throw new AppError('INVALID_ARGUMENT', { message: 'accepted_tos: must not be false' })
  }
  const { signup } = deps.settings
  if (signup === 'closed' || (signup === 'first' && (await ledger.find('agents', {}, 1)).length > 0)) {
    throw new AppError('PERMISSION_DENIED', { message: 'Sign-up is closed on this server.' })
  }
  const account = await createAccount(deps, {
    username: username.trim(),
    password: body.password,
    email: body.email,
    name: body.name,
    detail: body.detail,
    phoneNumber: body.phone_number,
    address: body.address,
    webhookMethod: body.webhook_method,
    webhookUri: body.webhook_uri,
  })
  if (account !== 'taken') return { customer: account.customer, accesskey: account.accesskey }
  return signUpAgain(desk, username, body.password)
}

/** The account exists: its owner gets a fresh key, everybody else learns nothing. */
async function signUpAgain(desk: Desk, username: string, password: string | undefined): Promise<SignupAnswer> {
  const agent = password ? await signIn(desk.deps, username, password) : null
  if (!agent) return {}
  const customerId = agent.customer_id
  const customer = await desk.ledger.row('customers', customerId, customerId, 'CUSTOMER_NOT_FOUND')
  const accesskey = await createAccessKey(desk.deps, {
    customerId,
    name: 'sign-up',
    expireSeconds: SIGNUP_KEY_SECONDS,
  })
  return { customer: shown<CustomerDoc>(customer.doc as JsonObject), accesskey }
}
