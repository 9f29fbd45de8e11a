import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const MODULES = ['api', 'scheduler', 'delivery', 'store', 'presence', 'metrics'];
const SHARED = ['timers', 'platform'];

const noDeepImport = {
  regex: `^(\\.\\./)+(src/)?(${[...MODULES, ...SHARED].join('|')})/(?!index\\.ts$)`,
  message: 'A module is entered by its index.ts alone.',
};

/** What a module may import of ours: `timers`, `platform` and itself. Types of the store's neighbours are the one exception. */
const boundary = (module) => ({
  files: [`src/${module}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths: ownedPackages
          .filter(({ owner }) => owner !== module)
          .map(({ name, owner }) => ({ name, message: `Only ${owner} imports ${name}.` })),
        patterns: [
          noDeepImport,
          ...[...MODULES, ...SHARED, 'app', 'config', 'main']
            .filter((other) => other !== module && !(MODULES.includes(module) && SHARED.includes(other)))
            .map((other) => ({
              regex: `^(\\.\\./)+${other}(/|\\.ts$)`,
              message: `${module} does not know ${other}; declare the interface you need and let app.ts wire it.`,
              allowTypeImports: module === 'store' && MODULES.includes(other),
            })),
        ],
      },
    ],
  },
});

const ownedPackages = [
  { name: 'kysely', owner: 'store' },
  { name: 'mysql2', owner: 'store' },
  { name: 'node:sqlite', owner: 'store' },
  { name: 'undici', owner: 'delivery' },
  { name: 'express', owner: 'api' },
  { name: 'prom-client', owner: 'metrics' },
];

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '.cache', 'test/bench/peers'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'src/*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', 250],
      'no-restricted-globals': ['error', { name: 'process', message: 'Only start.js and main.ts touch the process.' }],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take the time from the injected clock.' },
      ],
    },
  },
  ...[...MODULES, ...SHARED].map(boundary),
  { files: ['src/main.ts', 'test/**', '.cicd/**', '*.config.js'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['src/platform/clock.ts', 'test/**', '.cicd/**'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['test/**'], rules: { 'max-lines': 'off' } },
  { files: ['*.js', 'src/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);
