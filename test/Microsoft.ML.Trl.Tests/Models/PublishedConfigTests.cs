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
        int read = 0;
        foreach (JsonProperty model in expected.RootElement.EnumerateObject())
        {
            string path = Path.Combine(folder, model.Name + ".json");
            ModelConfig config = ModelConfig.Parse(File.ReadAllText(path), path);
            Assert.AreEqual((Int128)model.Value.GetProperty("parameters").GetInt64(), ModelSize.Of(config), model.Name);
            read++;
        }
        Assert.AreEqual(21, read);
    }
}
