// README.md of the submission, in the contest's language.

/** `repository` is owner/name at GitHub. */
export const readmeOf = (repository: string): string => `# Repasse

Um intermediário de pagamentos em TypeScript, sobre Node.js: aceita cada pagamento com latência
baixa e estável e o repassa a exatamente um dos dois processadores.

- **nginx** na porta 9999 entrega cada pagamento sempre à mesma instância (pelo \`correlationId\`),
  por sockets Unix.
- **Duas instâncias da API** em Node.js (\`node:http\`, undici, libpq). O 202 só sai depois que o
  pagamento está no diário em disco da instância. O processador é escolhido pelo preço total: a taxa
  mais o preço da espera.
- **PostgreSQL** guarda o livro-razão: uma linha por pagamento e as somas por segundo.

Promessas: nada do que foi aceito se perde, nem com \`kill -9\` de qualquer processo; ninguém é
cobrado duas vezes, porque um resultado desconhecido (tempo esgotado, conexão perdida) é esclarecido
no mesmo processador, com o mesmo \`correlationId\`;
o resumo nunca se adianta aos processadores e concorda com eles até o centavo.

Código-fonte, testes e medições: https://github.com/${repository}

## Como executar

\`\`\`sh
# os processadores e a rede payment-processor, do repositório da Rinha, antes
docker compose up -d
curl http://localhost:9999/payments-summary
\`\`\`
`;
