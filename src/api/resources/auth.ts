/** Sign-up, sign-in and their companions (contract §2.2). None but `unregister` needs a credential. */

import { z } from 'zod'
import {
  bootAnswer,
  bootRequest,
  emailRequest,
  loginAnswer,
  loginRequest,
  signupAnswer,
  signupRequest,
  unregisterRequest,
} from '../../contract/account.ts'
import { isAdmin } from '../../contract/agent.ts'
import { type CustomerDoc, customerSchema } from '../../contract/customer.ts'
import { AppError } from '../../contract/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { createAccessKey, createAccount, SIGNUP_KEY_SECONDS, signIn } from '../accounts.ts'
import { type App, type Desk, requireAdmin, shown } from '../app.ts'
import { requireIdentity } from '../auth.ts'
import { resourceOfHash } from '../direct.ts'
import { JWT_LIFE_SECONDS, signAgentToken, signDirectToken } from '../jwt.ts'
import { unregister } from '../unregister.ts'
import { about } from './reading.ts'

/** @param hide leaves the routes out of the reference, where they are served a second time */
export function authRoutes(app: App, desk: Desk, hide: boolean): void {
  const { deps } = desk
  app.post(
    '/signup',
    { schema: { ...about('/auth', 'Sign up'), hide, body: signupRequest, response: { 200: signupAnswer } } },
    ({ body, ip }) => signUp(desk, body, ip),
  )
  app.post(
    '/login',
    { schema: { ...about('/auth', 'Sign in'), hide, body: loginRequest, response: { 200: loginAnswer } } },
    async ({ body, protocol, ip }, reply) => {
      const { username, password } = body
      const check = () => signIn(deps, username ?? '', password ?? '')
      const agent = username && password ? await desk.rates.signIn(ip, username, check) : null
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
    { schema: { ...about('/auth', 'Sign in by direct hash'), hide, body: bootRequest, response: { 200: bootAnswer } } },
    async ({ body }): Promise<z.infer<typeof bootAnswer>> => {
      const direct = await resourceOfHash(desk.ledger, body.direct_hash)
      if (!direct) throw new AppError('INVALID_ARGUMENT', { message: 'direct_hash: is unknown' })
      const { token, expire } = await signDirectToken(direct, deps.settings.jwtKey, deps.clock.wallMicros())
      const { customerId: customer_id, resourceId: resource_id, resourceType: resource_type } = direct
      return { token, type: 'direct', resource_type, resource_id, customer_id, expire }
    },
  )
  for (const name of ['password-forgot', 'password-reset', 'email-verify']) {
    const answer = { body: emailRequest, response: { 200: z.object({}) } }
    app.post(
      `/${name}`,
      { schema: { ...about('/auth', 'Accepted; sends nothing'), hide, ...answer } },
      async () => ({}),
    )
  }
  for (const method of ['POST', 'DELETE'] as const) {
    app.route({
      method,
      url: '/unregister',
      schema: {
        ...about('/auth', 'Give up the account'),
        hide,
        body: unregisterRequest,
        response: { 200: customerSchema },
      },
      handler: async (request): Promise<CustomerDoc> => {
        const identity = await requireIdentity(desk.authenticate, request)
        requireAdmin(identity)
        return shown(await unregister(desk, identity, request.body))
      },
    })
  }
}

type SignupAnswer = z.infer<typeof signupAnswer>

async function signUp(desk: Desk, body: z.infer<typeof signupRequest>, address: string): Promise<SignupAnswer> {
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
  desk.rates.signUp(address)
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
  return signUpAgain(desk, username, body.password, address)
}

/** The account exists: its administrator gets a fresh key, everybody else learns nothing. */
async function signUpAgain(
  desk: Desk,
  username: string,
  password: string | undefined,
  address: string,
): Promise<SignupAnswer> {
  const check = () => signIn(desk.deps, username, password ?? '')
  const agent = password ? await desk.rates.password(address, username, check) : null
  // A key may do what an administrator may: an agent who is none must not come by one.
  if (!agent || !isAdmin(agent.permission)) return {}
  const customerId = agent.customer_id
  const customer = await desk.ledger.row('customers', customerId, customerId, 'CUSTOMER_NOT_FOUND')
  const accesskey = await createAccessKey(desk.deps, {
    customerId,
    name: 'sign-up',
    expireSeconds: SIGNUP_KEY_SECONDS,
  })
  return { customer: shown<CustomerDoc>(customer.doc as JsonObject), accesskey }
}
