using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Text;

public sealed class WordTokenizingEstimator : TrivialEstimator<WordTokenizingTransformer>
{
    internal WordTokenizingEstimator(IHostEnvironment env, (string Output, string Input) column, char[] separators)
        : base(env.Register(nameof(WordTokenizingEstimator)), new WordTokenizingTransformer(env, column, separators))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), Host);
        return TextShapes.Add(Host, inputSchema, Transformer.ColumnPairs, WordTokenizingTransformer.Expected, alwaysVector: true);
    }
}
