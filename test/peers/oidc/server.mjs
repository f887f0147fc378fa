// A stranger to test the OAuth helper against: npm oidc-provider with its own login and consent pages, on a free port of
// loopback. The first line on standard output is its address; one more comes for each grant that is revoked. It ends with
// its standard input. Its argument is a list of public keys: for each there is a client key-ALG that authenticates with it.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const keys = JSON.parse(process.argv[2] ?? '[]');
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'us',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: grants,
      response_types: ['code'],
      scope: 'openid offline_access profile sleep activity:read weight:read',
    }].concat(keys.map((key) => ({
      client_id: `key-${key.alg}`,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: key.alg,
      jwks: { keys: [key] },
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: grants,
      response_types: ['code'],
      scope: 'openid offline_access profile sleep activity:read weight:read',
    }))),
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'RS384', 'ES256', 'ES384', 'EdDSA'] },
    scopes: ['openid', 'offline_access', 'profile', 'sleep', 'activity:read', 'weight:read'],
    claims: { openid: ['sub'], profile: ['preferred_username'] },
    routes: { userinfo: '/userinfo' },
    findAccount: async (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: id }),
    }),
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: true } },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    cookies: { keys: ['peer'] },
  });
  provider.on('refresh_token.destroyed', (token) => {
    process.stdout.write(`the grant of ${token.accountId} is revoked\n`);
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
