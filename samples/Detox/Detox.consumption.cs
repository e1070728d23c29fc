using Microsoft.ML;

namespace DetoxSample;

/// <summary>How the model is used.</summary>
public static partial class Detox
{
    /// <summary>What goes in.</summary>
    public sealed class ModelInput
    {
        /// <summary>A remark.</summary>
        public string Prompt { get; set; } = "";
    }

    /// <summary>What comes out.</summary>
    public sealed class ModelOutput
    {
        /// <summary>The remark.</summary>
        public string Prompt { get; set; } = "";

        /// <summary>What is replied.</summary>
        public string Completion { get; set; } = "";

        /// <summary>How probable the judge finds it that the reply is rude.</summary>
        public float Probability { get; set; }
    }

    /// <summary>Loads the one file that training wrote.</summary>
    public static PredictionEngine<ModelInput, ModelOutput> LoadEngine(string path)
    {
        var ml = new MLContext();
        return ml.Model.CreatePredictionEngine<ModelInput, ModelOutput>(ml.Model.Load(path, out _));
    }

    /// <summary>Replies of a policy to all remarks, judged.</summary>
    internal static ModelOutput[] Reply(MLContext ml, ITransformer policy, ITransformer judge, IDataView remarks) =>
        [.. ml.Data.CreateEnumerable<ModelOutput>(judge.Transform(policy.Transform(remarks)), reuseRowObject: false)];
}
