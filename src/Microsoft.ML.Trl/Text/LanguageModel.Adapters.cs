namespace Microsoft.ML.Trl;

/// <content>Models with adapters.</content>
public sealed partial class LanguageModel
{
    /// <summary>
    /// A second language model with the same base in the same memory and the adapters that are on; nothing of it is trained.
    /// </summary>
    internal LanguageModel Sharing()
    {
        using IDisposable use = Use();
        return new(Network.Sharing(withTrained: true), Tokenizer, Generation, ValueHead?.Copy());
    }

    private static LanguageModel LoadAdapted(
        string folder, TorchSharp.torch.Device? device, TorchSharp.torch.ScalarType? type, WeightQuantization quantization)
    {
        using var model = new OwnershipGuard<LanguageModel>(Load(AdapterFolder.BaseOf(folder), device, type, quantization));
        model.Value.Network.LoadAdapter(folder);
        return model.Release();
    }
}
