using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "post_processor" of tokenizer.json: the special tokens around a single text.</summary>
internal static class TemplateJson
{
    public static (IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix) Read(JsonElement? processor, string source)
    {
        if (processor is not { } json)
            return ([], []);
        switch (json.Text("type"))
        {
            case "ByteLevel":
                return ([], []);
            case "RobertaProcessing" or "BertProcessing":
                return ([Id(json, "cls")], [Id(json, "sep")]);
            case "TemplateProcessing":
                return Template(json, source);
            case "Sequence":
                List<int> prefix = [], suffix = [];
                foreach (JsonElement part in json.GetProperty("processors").EnumerateArray())
                {
                    (IReadOnlyList<int> before, IReadOnlyList<int> after) = Read(part, source);
                    prefix.InsertRange(0, before); // a later processor wraps what the earlier ones made
                    suffix.AddRange(after);
                }
                return (prefix, suffix);
            default:
                throw TokenizerJson.OtherKind(source, $"BPE with the post-processor {json.Text("type")}");
        }
    }

    private static int Id(JsonElement json, string name) => json.GetProperty(name) is var pair && pair.GetArrayLength() == 2
        ? pair[1].GetInt32()
        : throw new FormatException($"\"{name}\" is {pair.GetRawText()}; a token and its id are needed.");

    private static (IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix) Template(JsonElement json, string source)
    {
        List<int> prefix = [], suffix = [];
        int texts = 0;
        foreach (JsonElement part in json.GetProperty("single").EnumerateArray())
        {
            if (part.Get("Sequence") is not null)
            {
                texts++;
                continue;
            }
            string name = part.GetProperty("SpecialToken").Text("id")
                ?? throw new InvalidDataException($"{source}: a special token of the template has no \"id\".");
            JsonElement token = json.GetProperty("special_tokens").Get(name) ?? throw new InvalidDataException(
                $"{source}: the template names the special token \"{name}\" but does not define it.");
            (texts == 0 ? prefix : suffix).AddRange(token.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
        }
        return texts == 1 ? (prefix, suffix) : throw new InvalidDataException(
            $"{source}: the template for a single text contains the text {texts} times; once is needed.");
    }
}
