using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Text;

public sealed class TextNormalizingEstimator : TrivialEstimator<TextNormalizingTransformer>
{
    internal TextNormalizingEstimator(IHostEnvironment env, (string Output, string Input) column, TextNormalizer normalizer)
        : base(env.Register(nameof(TextNormalizingEstimator)), new TextNormalizingTransformer(env, column, normalizer))
    {
    }

    public enum CaseMode
    {
        Lower = 0,
        Upper = 1,
        None = 2,
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), Host);
        return TextShapes.Add(Host, inputSchema, Transformer.ColumnPairs, TextNormalizingTransformer.Expected, alwaysVector: false);
    }
}
