using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Configurations of published models: their numbers of weights, which are counted without making any.</summary>
[TestClass]
public sealed class PublishedConfigTests
{
    [TestMethod]
    public void Published_models_have_the_number_of_weights_that_they_are_known_for()
    {
        string folder = Path.Combine(Fixtures.Shared(), "..", "data", "configs");
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected_parameters.json")));
        var (read, refused) = (new List<string>(), new List<string>());
        foreach (JsonProperty model in expected.RootElement.EnumerateObject())
        {
            string path = Path.Combine(folder, model.Name + ".json");
            try
            {
                ModelConfig config = ModelConfig.Parse(File.ReadAllText(path), path);
                Assert.AreEqual((Int128)model.Value.GetProperty("parameters").GetInt64(), ModelSize.Of(config), model.Name);
                read.Add(model.Name);
            }
            catch (NotSupportedException error)
            {
                Assert.Contains("model; supported are gpt2,", error.Message);
                refused.Add(model.Name);
            }
        }
        CollectionAssert.AreEquivalent(new[] { "gemma-3-1b" }, refused);
        Assert.HasCount(20, read);
    }
}
