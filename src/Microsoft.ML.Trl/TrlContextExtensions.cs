using Microsoft.ML.Trl;

namespace Microsoft.ML;

/// <summary>Post-training of language models, in an ML.NET context.</summary>
public static class TrlContextExtensions
{
    /// <summary>The estimators of post-training: SFT, reward model, PPO, DPO.</summary>
    /// <param name="ml">The context; its log hears of progress, its <c>GpuDeviceId</c> says where to train.</param>
    /// <exception cref="DllNotFoundException">libtorch cannot be loaded; the message says why, and what to do.</exception>
    /// <example><c>var model = ml.Trl().Sft(ModelSource.Folder("gpt2")).Append(ml.Trl().Dpo()).Fit(rows);</c></example>
    public static TrlCatalog Trl(this MLContext ml)
    {
        ArgumentNullException.ThrowIfNull(ml);
        Microsoft.ML.Trl.Operators.TorchLibrary.EnsureLoaded();
        return new TrlCatalog(ml);
    }
}
