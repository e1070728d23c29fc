using System.Buffers.Binary;
using System.Reflection;
using System.Text;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>A model file with right checksums and wrong contents: every entry is checked, and what is wrong is said by name.</summary>
[TestClass]
public sealed class DamagedFileTests
{
    [TestMethod]
    [DataRow("transformer.json", "null", "is null")]
    [DataRow("transformer.json", "[]", "cannot be understood")]
    [DataRow("transformer.json", "{\"BatchSize\":0}", "cannot be understood")]
    [DataRow("generation.json", "null", "is null")]
    [DataRow("generation.json", "{\"StopStrings\":null}", "cannot be understood")]
    [DataRow("generation.json", "{\"StopStrings\":[null]}", "StopStrings")]
    [DataRow("generation.json", "{\"Temperature\":0}", "Temperature (0) must be greater than 0")]
    [DataRow("generation.json", "{\"EosTokenIds\":[1000000]}", "The end token 1000000 of EosTokenIds is not in the vocabulary")]
    [DataRow("history.jsonl", "null\n", "line 1 is null")]
    [DataRow("history.jsonl", "{}\n", "line 1")]
    [DataRow("history.jsonl", "nonsense\n", "line 1")]
    [DataRow("history.jsonl", "{\"Stage\":null,\"Step\":1,\"TotalSteps\":1,\"Metrics\":{},\"Tokens\":1,\"Elapsed\":\"0:00:01\"}\n", "line")]
    [DataRow("config.json", "null", "is not a JSON object")]
    [DataRow("config.json", "[]", "is not a JSON object")]
    [DataRow("tokenizer.json", "null", "")]
    [DataRow("tokenizer.json", "{\"model\":null}", "")]
    [DataRow("tokenizer.json", "{\"model\":{\"type\":\"BPE\",\"vocab\":null,\"merges\":[]}}", "")]
    [DataRow("tokenizer_config.json", "null", "")]
    [DataRow("special_tokens_map.json", "null", "")]
    public void A_text_that_makes_no_sense_is_refused_by_name(string entry, string content, string message)
    {
        byte[] zip = SavedChain.Rewritten(
            found => found.Name == entry && found.FullName.Contains("000", StringComparison.Ordinal),
            _ => Encoding.UTF8.GetBytes(content), mendChecksums: true);
        InvalidDataException error = Refused(zip);
        StringAssert.Contains(error.Message, entry);
        StringAssert.Contains(error.Message, message);
    }

    [TestMethod]
    [DataRow("\"BatchSize\": 16", "\"BatchSize\": 0", "BatchSize is 0; it must be at least 1")]
    [DataRow("\"WeightType\": \"Float32\"", "\"WeightType\": \"Int8\"", "WeightType is 'Int8'; allowed are Float64, Float32, Float")]
    [DataRow("\"WeightType\": \"Float32\"", "\"WeightType\": null", "cannot be understood")]
    [DataRow("\"CompletionColumnName\": \"Completion\"", "\"CompletionColumnName\": null", "cannot be understood")]
    [DataRow("\"PromptColumnName\": \"Prompt\"", "\"PromptColumnName\": null", "PromptColumnName is missing")]
    [DataRow("\"tokenizer.json\"", "null", "TokenizerFiles")]
    [DataRow("\"tokenizer.json\"", "\"tokenizer_config.json\"", "TokenizerFiles")]
    public void A_fact_of_the_transformer_that_makes_no_sense_is_named(string old, string changed, string message)
    {
        byte[] zip = SavedChain.Rewritten(
            found => found.FullName == "TransformerChain/Transform_000/transformer.json",
            content => Encoding.UTF8.GetBytes(Replaced(Encoding.UTF8.GetString(content), old, changed)), mendChecksums: true);
        InvalidDataException error = Refused(zip);
        StringAssert.Contains(error.Message, "'TransformerChain/Transform_000/transformer.json'");
        StringAssert.Contains(error.Message, message);
    }

    [TestMethod]
    [DataRow("tokenizer.json", "has 2000000000 bytes; at most 268435456")]
    [DataRow("config.json", "has 2000000000 bytes; at most 16777216")]
    [DataRow("transformer.json", "has 2000000000 bytes; at most 16777216")]
    [DataRow("history.jsonl", "has 2000000000 bytes; at most 1073741824")]
    [DataRow("tokenizer.json.sha256", "has 2000000000 bytes; at most 1024")]
    public void A_text_that_says_it_is_huge_is_not_read(string entry, string message)
    {
        InvalidDataException error = Refused(Declaring(SavedChain.Zip, "TransformerChain/Transform_000/" + entry, 2_000_000_000));
        StringAssert.Contains(error.Message, entry);
        StringAssert.Contains(error.Message, message);
    }

    [TestMethod]
    [DataRow("tokenizer.json", +100)]
    [DataRow("tokenizer.json", -100)]
    [DataRow("model.safetensors", +100)]
    [DataRow("model.safetensors", -100)]
    public void An_entry_of_another_length_than_declared_is_damaged(string entry, int change)
    {
        string name = "TransformerChain/Transform_000/" + entry;
        using var archive = new System.IO.Compression.ZipArchive(new MemoryStream(SavedChain.Rewritten(_ => false, _ => null)));
        long length = archive.GetEntry(name)!.Length;
        InvalidDataException error = Refused(Declaring(SavedChain.Rewritten(_ => false, _ => null), name, (uint)(length + change)));
        StringAssert.Contains(error.Message, $"Entry '{name}' of the model file is damaged");
    }

    [TestMethod]
    public void Weights_that_say_they_are_huge_are_not_read()
    {
        const string Name = "TransformerChain/Transform_000/model.safetensors";
        InvalidDataException error = Refused(Declaring(SavedChain.Rewritten(_ => false, _ => null), Name, 2_000_000_000));
        StringAssert.Contains(error.Message, $"Entry '{Name}' of the model file is damaged: It cannot have 2000000000 bytes");
    }

    [TestMethod]
    public void What_a_caller_sees_of_a_damaged_file()
    {
        // ML.NET calls loaders by reflection, which wraps what they throw once per level; the cause is the base exception.
        byte[] zip = SavedChain.Rewritten(entry => entry.Name == "config.json", _ => null);
        var error = Assert.ThrowsExactly<TargetInvocationException>(() => SavedChain.Load(zip));
        Assert.IsInstanceOfType<InvalidDataException>(error.GetBaseException());
    }

    private static InvalidDataException Refused(byte[] zip)
    {
        var error = Assert.ThrowsExactly<TargetInvocationException>(() => SavedChain.Load(zip));
        Exception cause = error;
        while (cause is TargetInvocationException { InnerException: { } inner })
            cause = inner;
        Assert.IsInstanceOfType<InvalidDataException>(cause, cause.ToString());
        return (InvalidDataException)cause;
    }

    private static string Replaced(string text, string old, string changed)
    {
        StringAssert.Contains(text, old);
        return text.Replace(old, changed, StringComparison.Ordinal);
    }

    /// <summary>The file with another uncompressed size in its table of contents (APPNOTE.TXT of the zip format, 4.3.12).</summary>
    private static byte[] Declaring(byte[] zip, string entry, uint length)
    {
        byte[] name = Encoding.UTF8.GetBytes(entry);
        for (int at = 0; at < zip.Length - 46 - name.Length; at++)
            if (BinaryPrimitives.ReadUInt32LittleEndian(zip.AsSpan(at)) == 0x02014b50
                && BinaryPrimitives.ReadUInt16LittleEndian(zip.AsSpan(at + 28)) == name.Length
                && zip.AsSpan(at + 46, name.Length).SequenceEqual(name))
            {
                BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(at + 24), length);
                return zip;
            }
        throw new ArgumentException("There is no entry " + entry);
    }
}
