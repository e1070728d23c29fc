using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microsoft.ML.Trl.Algorithms.Raft;

/// <summary>Writes what LMFlow writes of a run: what each iteration learns from, and how rewards go.</summary>
internal sealed class RaftRecord
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly RaftOptions _options;
    private readonly List<double> _all = [], _selected = [];

    /// <summary>Makes folders, and an empty file of rewards.</summary>
    /// <param name="options">Where to.</param>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    public RaftRecord(RaftOptions options)
    {
        _options = options;
        if (options.OutputDir is { } folder)
            Directory.CreateDirectory(folder);
        if (options.OutputRewardPath is not { } path)
            return;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent)
            Directory.CreateDirectory(parent);
        File.WriteAllText(path, "");
    }

    /// <summary>Writes down an iteration.</summary>
    public void Add(RaftCollection collection)
    {
        _all.Add(collection.MeanReward);
        _selected.Add(collection.MeanSelected);
        if (_options.OutputRewardPath is { } path)
            File.AppendAllText(path, string.Create(
                CultureInfo.InvariantCulture,
                $"mean reward: {collection.MeanReward} mean reward in training set: {collection.MeanSelected}\n"));
        if (_options.OutputDir is not { } folder)
            return;
        var set = new { type = "text_only", instances = collection.Readable.Select(text => new { text }) };
        File.WriteAllText(
            Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"train_set_{_all.Count - 1}.json")),
            JsonSerializer.Serialize(set, Json));
        File.WriteAllText(
            Path.Combine(folder, "training_reward.svg"),
            CurvePicture.Svg("iteration", [Curve("Model reward", _all), Curve("Reward of SFT Set", _selected)]));
    }

    private static Curve Curve(string name, List<double> values) => new(name, [.. values.Select((value, at) => (at + 1.0, value))]);
}
