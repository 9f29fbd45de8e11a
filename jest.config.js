import { env } from 'node:process';

const isFull = env.TEST_FULL === '1';

/** Native ESM; types are checked by tsc, so the transform only strips them. */
const project = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  modulePathIgnorePatterns: ['<rootDir>/test/bench/peers/node_modules'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

/** These measure how late something is, or race, to fractions of a second: beside another file they would tell of that one. */
const measuring = [
  'api/change-races',
  'end-to-end/crash',
  'end-to-end/presence-load',
  'end-to-end/rolling-restarts',
].map((name) => `<rootDir>/test/${name}.test.ts`);

export default {
  // On two cores. At full size nearly everything measures.
  maxWorkers: isFull ? 1 : 2,
  maxConcurrency: isFull ? 1 : 5,
  testTimeout: 120_000,
  projects: [
    { ...project, testMatch: ['**/*.test.ts'], testPathIgnorePatterns: measuring },
    { ...project, testMatch: measuring, runner: '<rootDir>/test/support/one-at-a-time-runner.ts' },
  ],
};
