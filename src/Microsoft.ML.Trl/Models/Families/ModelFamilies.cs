using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>The families of models that this library knows.</summary>
public static class ModelFamilies
{
    private static readonly ModelFamily[] All =
    [
        Gpt2Family.Definition, GptNeoFamily.Definition, GptJFamily.Definition, GptNeoXFamily.Definition, OptFamily.Definition,
        BloomFamily.Definition, FalconFamily.Definition, .. LlamaFamily.Definitions, Qwen3Family.Definition, MixtralFamily.Definition,
        .. QwenMoeFamily.Definitions, PhiFamily.Definition, Phi3Family.Definition, .. GemmaFamily.Definitions, Gemma3Family.Definition,
        .. BertFamily.Definitions, DistilBertFamily.Definition, T5Family.Definition,
    ];

    extension(ModelConfig)
    {
        /// <summary>Reads <c>config.json</c>, in the layout of transformers 4 or 5.</summary>
        /// <param name="json">The file's text.</param>
        /// <param name="source">Its name, for messages.</param>
        /// <exception cref="InvalidDataException">
        /// It is no JSON object, or a number is missing, negative or does not fit the others.
        /// </exception>
        /// <exception cref="NotSupportedException">A family, activation or position scheme this library does not have.</exception>
        public static ModelConfig Parse(string json, string source)
        {
            ArgumentNullException.ThrowIfNull(json);
            ArgumentNullException.ThrowIfNull(source);
            JsonFields fields = JsonFields.Parse(json, source);
            string type = fields.Text("model_type")
                ?? throw new InvalidDataException($"{source} has no model_type; give the config.json of a causal language model.");
            ModelFamily family = Array.Find(All, family => family.ModelType == type)
                ?? throw new NotSupportedException($"{source} describes a '{type}' model; supported are {Names()}.");
            return ModelConfigJson.Read(fields, family);
        }
    }

    private static string Names() => string.Join(", ", All.SkipLast(1).Select(family => family.ModelType)) + $" and {All[^1].ModelType}";
}
